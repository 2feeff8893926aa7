-- Destroys the copies of the checkpoints; the notes that were published stay what they are.
DROP TABLE audit_checkpoints;
