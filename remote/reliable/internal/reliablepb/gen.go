// Package reliablepb is what producers and consumers say to each other.
// docs/delivery.md tells when.
package reliablepb

//go:generate ../../../../.ci/protoc pando/remote/reliable
