"""Google Veo by the classic long-running operation of the Gemini API."""
