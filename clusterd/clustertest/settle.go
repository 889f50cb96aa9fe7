package clustertest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// step is how often a condition is looked at, in virtual time.
const step = 20 * time.Millisecond

// Eventually waits until ok returns true; what completes "not in time: …" in
// the failure after three minutes of virtual time.
func (k *Kit) Eventually(what string, ok func() bool) {
	k.T.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(step) {
		if time.Now().After(deadline) {
			k.T.Fatalf("not in time: %s\n%s", what, k.describe())
		}
	}
}

// Settle waits until the nodes that run agree: each sees all of them and nobody
// else Up and reachable, names the same leader, and knows the newest view to be
// active.
func (k *Kit) Settle() {
	k.T.Helper()
	var running []int
	for i, n := range k.nodes {
		if !n.down {
			running = append(running, i+1)
		}
	}
	k.SettleAmong(running...)
}

// SettleAmong is Settle for one side of a cut network: the given nodes agree
// that they are the members.
func (k *Kit) SettleAmong(nodes ...int) {
	k.T.Helper()
	var want []string
	for _, i := range nodes {
		want = append(want, k.Address(i))
	}
	slices.SortFunc(want, member.CompareAddress)
	k.Eventually(fmt.Sprintf("nodes %v agree on %v", nodes, want), func() bool {
		leader := ""
		for _, i := range nodes {
			v := k.Node(i).View()
			if !v.Converged || v.Leader == "" || leader != "" && v.Leader != leader ||
				len(v.Members) != len(want) || !slices.Equal(k.Up(i), want) {
				return false
			}
			leader = v.Leader
		}
		return true
	})
}

// Up returns the addresses of the members that node i sees Up and reachable, in
// the order of addresses.
func (k *Kit) Up(i int) []string {
	k.T.Helper()
	var up []string
	for _, m := range k.Node(i).View().Members {
		if m.Status == member.Up && m.Reachable {
			up = append(up, m.Address)
		}
	}
	return up
}

// describe tells what each node sees, for a failure.
func (k *Kit) describe() string {
	var b strings.Builder
	for i, n := range k.nodes {
		if n.down {
			fmt.Fprintf(&b, "node %d: not running\n", i+1)
			continue
		}
		v := n.node.View()
		fmt.Fprintf(&b, "node %d sees leader %q, converged %t:", i+1, v.Leader, v.Converged)
		for _, m := range v.Members {
			fmt.Fprintf(&b, " %s=%v", m.Address, m.Status)
			if !m.Reachable {
				b.WriteString("(unreachable)")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
