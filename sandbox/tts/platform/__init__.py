"""The hosted platform around the API function: auth, data API and object storage on one base URL."""
