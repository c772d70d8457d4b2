"""The HTTP server: KoboldAI's, koboldcpp's, OpenAI's and llama.cpp's dialects over one engine."""
