// Package kubernetes finds contact points in a Kubernetes cluster: the endpoints
// of a service, as the API server's EndpointSlices list them. It is one GET
// request with the pod's service account, and no client library.
//
//	src := &kubernetes.Source{Service: "pando", Port: "cluster"}
//
// The service must publish pods that are not ready (publishNotReadyAddresses):
// a pod becomes ready by joining, and joins by finding the others. The service
// account needs the right to list endpointslices; docs/discovery.md has the YAML.
//
// A Source may be used from several goroutines. The token and the CA are read
// again for each request, since Kubernetes rotates them. Nothing is watched or
// cached: discovery.Watch asks again.
package kubernetes
