"""What other programs save, as values and nothing more: stories of KoboldAI, Lite and NovelAI, and chats of many.

A room below both that need them: ``stories`` opens saves to go on writing, ``corpus`` trains on what is in them.
"""
