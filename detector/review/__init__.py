"""What people say that movements were, and what that changes. No terminal in it."""
