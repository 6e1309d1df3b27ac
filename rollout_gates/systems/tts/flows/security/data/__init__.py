"""What a client gets at past the API: tables and functions of the data API, stored objects, signed URLs."""
