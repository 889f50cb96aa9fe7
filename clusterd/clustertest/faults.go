package clustertest

import "time"

// Cut silences the link between two nodes, as a pulled cable does: bytes stop
// on the way, connections stay open, dials hang.
func (k *Kit) Cut(a, b int) {
	k.CutOneWay(a, b)
	k.CutOneWay(b, a)
}

// CutOneWay silences the link from one node to another; the way back works.
func (k *Kit) CutOneWay(from, to int) {
	k.T.Helper()
	k.cuts[[2]int{from, to}] = true
	k.relink(from, to)
}

// Heal lets bytes pass again between two nodes, both ways. What was under way
// arrives now.
func (k *Kit) Heal(a, b int) {
	k.T.Helper()
	delete(k.cuts, [2]int{a, b})
	delete(k.cuts, [2]int{b, a})
	k.relink(a, b)
	k.relink(b, a)
}

// Split cuts every link between nodes of different groups, both ways. A node
// in no group keeps all its links.
func (k *Kit) Split(groups ...[]int) {
	k.T.Helper()
	for g, group := range groups {
		for _, other := range groups[g+1:] {
			for _, a := range group {
				for _, b := range other {
					k.Cut(a, b)
				}
			}
		}
	}
}

// HealAll ends all cuts.
func (k *Kit) HealAll() {
	k.T.Helper()
	for a := 1; a <= len(k.nodes); a++ {
		for b := a + 1; b <= len(k.nodes); b++ {
			k.Heal(a, b)
		}
	}
}

// relink brings the one-way link from one node to another into the state that
// follows from cuts and frozen nodes.
func (k *Kit) relink(from, to int) {
	k.T.Helper()
	f, t := k.at(from), k.at(to)
	if k.cuts[[2]int{from, to}] || f.frozen || t.frozen {
		k.net.CutOneWay(f.address, t.address)
	} else {
		k.net.HealOneWay(f.address, t.address)
	}
}

// Slow delays all bytes between two nodes, each way by d; 0 ends that.
func (k *Kit) Slow(a, b int, d time.Duration) {
	k.T.Helper()
	k.net.Slow(k.Address(a), k.Address(b), d)
	k.net.Slow(k.Address(b), k.Address(a), d)
}

// Kill ends node i without a word to the others: they see connections break
// and dials refused, as after kill -9. For a machine that loses its power, Cut
// its links first. Killing a node that has ended is harmless.
func (k *Kit) Kill(i int) {
	k.T.Helper()
	n := k.at(i)
	if n.down || n.node == nil {
		return
	}
	n.down = true
	k.net.Kill(n.address)
	close(n.killed)
	n.gate.Open()
	<-n.node.Done()
	n.pool.Close() // last: a node that ends still stops its actors
	n.frozen = false
	k.relinkAll(i)
}

// Restart starts a node that was killed, or that has left or was removed, at
// its old address, and waits until it is Up.
func (k *Kit) Restart(i int) {
	k.T.Helper()
	k.Kill(i)
	k.start(i)
	k.up(i)
}

// Freeze holds node i still, as SIGSTOP does: it handles no message, sends no
// heartbeat and takes nothing off the network, but its clock goes on.
func (k *Kit) Freeze(i int) {
	k.T.Helper()
	n := k.at(i)
	n.gate.Close()
	n.frozen = true
	k.relinkAll(i)
}

// Thaw lets a frozen node go on, as SIGCONT does.
func (k *Kit) Thaw(i int) {
	k.T.Helper()
	n := k.at(i)
	n.frozen = false
	n.gate.Open()
	k.relinkAll(i)
}

func (k *Kit) relinkAll(i int) {
	k.T.Helper()
	for j := 1; j <= len(k.nodes); j++ {
		if j != i {
			k.relink(i, j)
			k.relink(j, i)
		}
	}
}
