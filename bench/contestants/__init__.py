"""The servers that are measured, one module each, behind one small shape (`base.Contestant`)."""
