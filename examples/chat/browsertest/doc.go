// Package browsertest drives the chat's page in Chromium: two people on two
// nodes of a real cluster, one of which is killed. It is a module of its own, so
// that nobody who uses Pando gets a browser driver with it.
//
//	go test ./...            needs Chromium, and skips without it unless CI=true
//	go test ./... -update    also writes docs/chat.png
package browsertest
