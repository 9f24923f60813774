"""What the tests share: fixtures, servers, signers and samples."""
