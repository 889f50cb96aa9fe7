// Package clienttest drives the sample key-value server with the client libraries
// that real programs use, unmodified: go-redis and rueidis. They work against 3,
// then 5 nodes while nodes join, leave and are killed. It is a module of its own,
// so that nobody who uses Pando gets them with it.
//
//	go test ./...
package clienttest
