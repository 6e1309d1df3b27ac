"""The TTS system: platform, API function and providers."""
