"""The composition root: settings in, served applications and the ports of jobs out.

Every concrete class is picked in this package. Importing it imports nothing else of it: a
sequencer or a witness starts without the routes and pages that `server` brings.
"""
