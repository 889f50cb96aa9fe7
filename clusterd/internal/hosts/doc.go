// Package hosts gives tests a few Linux hosts on one machine: network
// namespaces joined by a bridge, with an address each, whose cables can be
// pulled. Real processes run in them, with real TCP, SIGKILL and SIGSTOP.
//
//	lan := hosts.New(t, 5)                   // skips where it cannot be had
//	cmd := lan.Command(1, os.Args[0], "…")   // runs on host 1
//	lan.Cut(1)                               // host 1's cable is out
//	lan.Block(2, 3)                          // 3 hears 2 no more, silently
//
// Hosts are numbered from 1. Everything that New makes bears the process id in
// its name and is removed at the end of the test. It needs root and ip of
// Debian's iproute2; with CI=true a test fails where these are missing.
package hosts
