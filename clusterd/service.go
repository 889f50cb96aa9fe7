package clusterd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Service extends a node: sharding, publish and subscribe, and the like.
type Service interface {
	// Install is called once, before the node listens and joins. It may use
	// the node's System, Host, Attach and Attachment; an error fails Start.
	Install(n *Node) error
}

// Attached is the node's side of a service that follows views and talks with
// its counterparts on other nodes. Its methods are called on the node's
// goroutine, one at a time, and must not block unless they say so.
type Attached interface {
	// ViewActive hands over each view that becomes active here, in order.
	ViewActive(v ViewActive)
	// Receive hands over a control message of the same service on another
	// member. The payload belongs to the callee.
	Receive(from member.Node, payload []byte)
	// SendFailed tells that a posted message probably did not arrive.
	SendFailed(to member.Node, payload []byte, err error)
	// Leaving asks the service to hand over what it has. It follows the
	// ViewActive in which this node is Leaving; Node.Drained is the answer.
	Leaving()
	// Fenced tells that the node may no longer act, or that it may again: what
	// is hosted pauses, or goes on. Before each message of what is hosted the
	// service asks [Node.MayAct] all the same: this call may come late.
	Fenced(fenced bool)
	// Tick is called when the time that it last returned is due, and after
	// Node.Poke. Zero: not again until then.
	Tick(now time.Time) (next time.Time)
	// Removed tells that the cluster has removed this incarnation of the node.
	// The service ends at once what may run once in the cluster, and forgets
	// what it held by its views: others run it now. Messages for what runs
	// elsewhere may wait for the next view. It may block until the handlers
	// that run have returned; ctx bounds that, and an error ends the node, since
	// a copy that still runs must not meet the next incarnation. After nil the
	// service serves that one, whose UID is System.UID by the next call.
	Removed(ctx context.Context) error
	// Stop ends what the service runs; ctx bounds the wait. Like Removed it may
	// block, and nothing is called after it.
	Stop(ctx context.Context)
}

// attachment is an Attached service and its place in the loop.
type attachment struct {
	name    string
	service Attached
	tick    time.Time // when Tick is due; zero = never. Owned by the loop.
	drained bool      // owned by the loop
}

// memberService is the name under which the membership protocol itself travels.
const memberService = "member"

// errStarted is returned by calls that belong into a service's Install.
var errStarted = errors.New("clusterd: only possible while services are being installed")

// Host publishes in the member record that this node hosts entities of kind.
// For services, during Install.
func (n *Node) Host(kind string) error {
	if n.started {
		return errStarted
	}
	if !validName(kind) {
		return fmt.Errorf("clusterd: kind %q: want 1 to 64 letters, digits, '-', '_' or '.'", kind)
	}
	if slices.Contains(n.kinds, kind) {
		return fmt.Errorf("clusterd: kind %q is hosted twice", kind)
	}
	n.kinds = append(n.kinds, kind)
	return nil
}

// Publish adds a pair to what this node shows to all members, as Config.Meta does
// and within its limit. For services, during Install.
func (n *Node) Publish(key, value string) error {
	if n.started {
		return errStarted
	}
	meta := maps.Clone(n.cfg.Meta)
	if meta == nil {
		meta = map[string]string{}
	}
	if _, taken := meta[key]; taken {
		return fmt.Errorf("clusterd: %q is published twice", key)
	}
	meta[key] = value
	if size := metaSize(meta); size > metaLimit {
		return fmt.Errorf("clusterd: %d bytes of keys and values are published, the limit is %d", size, metaLimit)
	}
	n.cfg.Meta = meta
	return nil
}

// Attach installs s under a name that its counterparts on other nodes share.
// For services, during Install.
func (n *Node) Attach(name string, s Attached) error {
	if n.started {
		return errStarted
	}
	if !validName(name) || name == memberService {
		return fmt.Errorf("clusterd: service name %q is not allowed", name)
	}
	if n.Attachment(name) != nil {
		return fmt.Errorf("clusterd: service %q is attached twice", name)
	}
	n.attached = append(n.attached, &attachment{name: name, service: s})
	return nil
}

// Attachment returns the service attached under name, nil if there is none.
// Any goroutine after Start; the installing one before.
func (n *Node) Attachment(name string) Attached {
	if a := n.attachment(name); a != nil {
		return a.service
	}
	return nil
}

func (n *Node) attachment(name string) *attachment {
	for _, a := range n.attached {
		if a.name == name {
			return a
		}
	}
	return nil
}

// Post sends a control message to the same service on another member. It never
// blocks; what cannot arrive comes back by SendFailed. Any goroutine.
func (n *Node) Post(to member.Node, service string, payload []byte) {
	n.post(to, service, payload)
}

// Poke asks for a Tick of the service soon. Any goroutine.
func (n *Node) Poke(service string) { n.inbox.put(poked{service}) }

// Drained tells that the service has handed over everything it had. Any
// goroutine, after Attached.Leaving.
func (n *Node) Drained(service string) { n.inbox.put(drained{service}) }
