"""What people see: values in, text or bytes out; nothing here reads or writes a store."""
