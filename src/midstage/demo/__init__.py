"""Two brands to look at: a real grocer's year and a made-up clothing brand."""
