"""Names on container networks: message, zone and resolver are pure; the server is handed its sockets open."""
