package remote_test

import (
	"context"
	"log"
	"net"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote"
)

// A node without a cluster: it can be reached, and reaches others, by address.
func Example() {
	ctx := context.Background()
	ln, err := net.Listen("tcp", "127.0.0.1:7001")
	if err != nil {
		log.Fatal(err)
	}
	sys, err := actor.NewSystem(actor.Config{Name: "chat", Address: "127.0.0.1:7001"})
	if err != nil {
		log.Fatal(err)
	}
	defer sys.Close(ctx)
	r, err := remote.Listen(sys, ln, remote.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close(ctx)

	greeter, err := actor.ParseRef[string](sys, "pando://chat@127.0.0.1:7002/greeter")
	if err != nil {
		log.Fatal(err)
	}
	greeter.Tell("hello")
}
