"""Code that the tests share: fixtures, servers, signers and samples."""
