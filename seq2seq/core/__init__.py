"""What every room needs: errors for people, whole files, typed parameters, progress, devices, command lines.

``errors`` has the two failures that are not bugs; ``files`` writes files that are whole or absent, digests and locks
them; ``params`` reads params.yaml; ``progress`` shows long work; ``runtime`` picks device, precision and threads;
``machine`` tells what they run on; ``scorers`` runs other programs that score lines; ``command_line`` gives exit
statuses; ``redaction`` hides passwords; ``fingerprints`` and ``distributions`` tell which code a result depends on.
Knows nothing of text or models, and imports no other room.
"""
