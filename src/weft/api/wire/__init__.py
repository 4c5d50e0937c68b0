"""The API's JSON shapes, and how they become the model and come of it."""
