"""What the tests share: agencies and their exchanges, commands, disks, servers, and the other readers."""
