"""EventBridge rules that email what AWS's services report as events."""
