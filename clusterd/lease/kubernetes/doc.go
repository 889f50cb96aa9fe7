// Package kubernetes keeps the lease of a cluster in a Lease of the Kubernetes API
// (coordination.k8s.io/v1), by plain HTTP with the pod's service account.
//
//	store := lease.New(&kubernetes.Register{Name: "pando"})
//	cfg.Downing = lease.Majority{Store: store}
//
// It is no module of its own, since it brings no dependency: three requests need
// no client library.
//
// The service account needs the verbs get, create and patch on leases. What
// kubectl shows is there for people (the holder, when it renewed, how often the
// holder changed); what counts stands in annotations, since the API has no place
// for a note, counts in whole seconds, and the clocks of writers are not compared.
//
// A Register may be used from several goroutines. The token and the CA are read
// again for each request, since Kubernetes rotates them.
package kubernetes
