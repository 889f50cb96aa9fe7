package browsertest

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/slots"
)

const (
	root   = "../../.." // of the repository
	upTime = 30 * time.Second
	poll   = 50 * time.Millisecond
)

// cluster is three processes of the chat command.
type cluster struct {
	t            *testing.T
	listen, http []string
	nodes        []*exec.Cmd
}

var program string // where buildChat puts the chat command; set by TestMain

var buildChat = sync.OnceValue(func() error {
	build := exec.Command("go", "build", "-o", program, "./examples/chat")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the chat: %w\n%s", err, out)
	}
	return nil
})

// startCluster starts three nodes and waits until they agree.
func startCluster(t *testing.T, listen, pages []string) *cluster {
	t.Helper()
	if err := buildChat(); err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, listen: listen, http: pages}
	for i := range c.listen {
		node := exec.Command(program, "node", "-listen", c.listen[i], "-http", c.http[i], "-seeds", c.listen[0]+","+c.listen[1])
		var log strings.Builder
		node.Stderr = &log
		if err := node.Start(); err != nil {
			t.Fatal(err)
		}
		c.nodes = append(c.nodes, node)
		t.Cleanup(func() {
			_ = node.Process.Kill() // it may have ended
			_ = node.Wait()
			if t.Failed() {
				t.Logf("output of %s:\n%s", c.listen[i], &log)
			}
		})
	}
	eventually(t, upTime, func() error {
		for _, page := range c.http {
			if got, err := members(page); err != nil || len(got) != len(c.listen) {
				return fmt.Errorf("%s: got members %v, %v", page, got, err)
			}
		}
		return nil
	})
	return c
}

// kill is SIGKILL to the node at an address.
func (c *cluster) kill(address string) {
	c.t.Helper()
	i := slices.Index(c.listen, address)
	if i < 0 {
		c.t.Fatalf("no node has the address %q", address)
	}
	if err := c.nodes[i].Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	_ = c.nodes[i].Wait() // killed is what it says
}

// roomOn finds a room that node i hosts, once it hosts any.
func (c *cluster) roomOn(i int) (room string) {
	c.t.Helper()
	eventually(c.t, upTime, func() error {
		answer, err := http.Get("http://" + c.http[0] + "/slots")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		var list []struct {
			First, Last uint16
			Home        string
		}
		if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
			return err
		}
		shares := map[string]int{}
		for _, r := range list {
			shares[r.Home] += int(r.Last-r.First) + 1
		}
		if len(shares) != len(c.listen) || shares[c.listen[i]] < slots.Count/len(c.listen) {
			return fmt.Errorf("the shares are %v", shares)
		}
		for n := 0; ; n++ {
			room = fmt.Sprint("room", n)
			slot := slots.Of(room)
			for _, r := range list {
				if r.First <= slot && slot <= r.Last && r.Home == c.listen[i] {
					return nil
				}
			}
		}
	})
	return room
}

// freePorts returns n loopback addresses that were free a moment ago, sorted.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var all []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // held until all are found, so that they differ
		all = append(all, l.Addr().String())
	}
	slices.Sort(all)
	return all
}

// members asks one node for the addresses of those that are up.
func members(page string) ([]string, error) {
	web := http.Client{Timeout: 5 * time.Second}
	answer, err := web.Get("http://" + page + "/members")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var s struct {
		Members []struct{ Address, Status string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		return nil, err
	}
	var up []string
	for _, m := range s.Members {
		if m.Status == "up" {
			up = append(up, m.Address)
		}
	}
	return up, nil
}

func eventually(t *testing.T, within time.Duration, ok func() error) {
	t.Helper()
	end := time.Now().Add(within)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: %v", within, err)
		}
		time.Sleep(poll)
	}
}
