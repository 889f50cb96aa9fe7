// Package discovery finds the contact points of a cluster that are not written
// down: in a file, in DNS, or from any other [Source]. [Watch] asks a source
// again and again and hands over the list whenever it changes.
//
//	src := discovery.DNS{Name: "pando.default.svc.cluster.local", Port: 7000}
//	err := discovery.Watch(ctx, discovery.Config{Source: src}, func(l discovery.List) {
//		fmt.Println(l.Addresses, l.Stable)
//	})
//
// A node does that by itself when clusterd.Config.Discovery is a Source. The
// packages discovery/kubernetes and discovery/httpjson have two more; they are
// apart so that a program which does not use them does not link net/http.
//
// # What a list is for
//
// Every node that is in the list may found, and every node asks those in the
// list whether there is a cluster. Two nodes may see different lists at the same
// moment, so a list alone never proves that there is no cluster: founding takes a
// majority of clusterd.Config.Expect, which is how many contact points there are
// in a complete list, and a list that has not changed for the stable margin. See
// docs/discovery.md.
//
// # Concurrency
//
// Watch asks its source from one goroutine, the caller's. Sources may be shared.
//
// # Not promised
//
// A list may name processes that are gone and miss some that are there. An empty
// answer and an error leave the list as it was.
package discovery
