package lease_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/lease"
	"github.com/pando-go/pando/clusterd/lease/kubernetes"
)

// A node of a cluster whose larger side goes on after a cut, or the smaller one when
// the larger is gone. The lease is a Lease object of Kubernetes.
func ExampleMajority() {
	cfg := clusterd.Config{
		Name:    "shop",
		Listen:  "127.0.0.1:7001",
		Seeds:   []string{"127.0.0.1:7001"},
		Downing: lease.Majority{Store: lease.New(&kubernetes.Register{Name: "shop"})},
	}
	fmt.Println(cfg.Downing)
	// Output: lease-majority
}

// Two processes of one host share a lease in a file.
func ExampleStore() {
	folder, err := os.MkdirTemp("", "lease")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	ctx := context.Background()
	file := &lease.File{Path: filepath.Join(folder, "lease")}
	one, other := lease.New(file), lease.New(file)

	grant, err := one.Acquire(ctx, "one", 5*time.Second)
	fmt.Println(grant.Number, err)
	_, err = other.Acquire(ctx, "other", 5*time.Second)
	fmt.Println(err != nil)
	// Whoever gets it next reads the note.
	_, err = one.Renew(ctx, "one", 5*time.Second, "done up to 7")
	fmt.Println(err, one.Release(ctx, "one"))
	grant, err = other.Acquire(ctx, "other", 5*time.Second)
	fmt.Println(grant.Number, grant.Note, err)
	// Output:
	// 1 <nil>
	// true
	// <nil> <nil>
	// 2 done up to 7 <nil>
}
