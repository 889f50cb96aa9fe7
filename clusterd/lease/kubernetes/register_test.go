package kubernetes

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/lease"
)

const leases = "/apis/coordination.k8s.io/v1/namespaces/grove/leases"

// apiServer stands in for what a Kubernetes API server does with Leases: it checks
// the token and the verb, compares resource versions, merges patches as RFC 7386
// says, and answers with a Status where it refuses.
type apiServer struct {
	*httptest.Server
	folder string // of the service account

	mu       sync.Mutex
	token    string
	objects  map[string]map[string]any
	version  int
	requests []string
}

func newAPI(t *testing.T) *apiServer {
	t.Helper()
	s := &apiServer{token: "first", folder: t.TempDir(), objects: map[string]map[string]any{}, version: 100}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	s.mount(t, map[string]string{"token": "first\n", "namespace": "grove", "ca.crt": string(ca)})
	return s
}

// mount writes files of the service account.
func (s *apiServer) mount(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files { // order: each is a file of its own
		if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *apiServer) register(t *testing.T) *Register {
	r := &Register{Name: "pando", API: s.URL, Account: s.folder}
	t.Cleanup(r.Close)
	return r
}

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method)
	body, _ := io.ReadAll(r.Body)
	name, one := strings.CutPrefix(r.URL.Path, leases+"/")
	media := r.Header.Get("Content-Type")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+s.token:
		status(w, 401, "Unauthorized")
	case r.Method == http.MethodGet && one && s.objects[name] == nil:
		status(w, 404, `leases.coordination.k8s.io "`+name+`" not found`)
	case r.Method == http.MethodGet && one:
		answer(w, 200, s.objects[name])
	case r.Method == http.MethodPost && r.URL.Path == leases && media == "application/json":
		s.create(w, body)
	case r.Method == http.MethodPatch && one && media == "application/merge-patch+json":
		s.patch(w, name, body)
	default:
		status(w, 403, `leases.coordination.k8s.io is forbidden: User "system:serviceaccount:grove:default" cannot `+r.Method)
	}
}

func (s *apiServer) create(w http.ResponseWriter, body []byte) {
	o := read(body)
	meta, _ := o["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	switch {
	case o == nil || name == "" || meta["resourceVersion"] != nil:
		status(w, 422, "Lease is invalid")
	case s.objects[name] != nil:
		status(w, 409, `leases.coordination.k8s.io "`+name+`" already exists`)
	default:
		s.store(w, 201, name, o)
	}
}

func (s *apiServer) patch(w http.ResponseWriter, name string, body []byte) {
	change := read(body)
	meta, _ := change["metadata"].(map[string]any)
	was := s.objects[name]
	switch {
	case was == nil:
		status(w, 404, "not found")
	case meta["resourceVersion"] != was["metadata"].(map[string]any)["resourceVersion"]:
		status(w, 409, "the object has been modified; please apply your changes to the latest version and try again")
	default:
		s.store(w, 200, name, merge(was, change))
	}
}

// store keeps an object as the API server would: validated, under a new version.
func (s *apiServer) store(w http.ResponseWriter, code int, name string, o map[string]any) {
	spec, _ := o["spec"].(map[string]any)
	seconds, _ := spec["leaseDurationSeconds"].(float64)
	_, err := time.Parse(time.RFC3339Nano, spec["renewTime"].(string))
	if seconds < 1 || seconds != float64(int32(seconds)) || spec["holderIdentity"] == "" || err != nil {
		status(w, 422, "Lease is invalid: spec")
		return
	}
	if spec["holderIdentity"] == nil {
		delete(spec, "holderIdentity")
	}
	s.version++
	o["metadata"].(map[string]any)["resourceVersion"] = strconv.Itoa(s.version)
	s.objects[name] = o
	answer(w, code, o)
}

// merge is RFC 7386.
func merge(was, change map[string]any) map[string]any {
	next := map[string]any{}
	for k, v := range was { // order: keys of an object
		next[k] = v
	}
	for k, v := range change { // order: keys of an object
		inner, isObject := v.(map[string]any)
		before, _ := next[k].(map[string]any)
		switch {
		case v == nil:
			delete(next, k)
		case isObject:
			next[k] = merge(before, inner)
		default:
			next[k] = v
		}
	}
	return next
}

func read(body []byte) (o map[string]any) {
	_ = json.Unmarshal(body, &o) // nil then
	return o
}

func answer(w http.ResponseWriter, code int, o any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(o)
}

func status(w http.ResponseWriter, code int, message string) {
	answer(w, code, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code})
}

const ttl = 1500 * time.Millisecond

// TestLease: two pods share a lease, with the token rotated in between; what people
// see of it is right, and what others wrote into the object stays.
func TestLease(t *testing.T) {
	s := newAPI(t)
	ctx := t.Context()
	a, b := lease.New(s.register(t)), lease.New(s.register(t))
	if got, err := a.Acquire(ctx, "a:1#5", ttl); err != nil || got.Number != 1 {
		t.Fatalf("acquired: got %+v, %v", got, err)
	}
	s.objects["pando"]["metadata"].(map[string]any)["labels"] = map[string]any{"team": "blue"}
	var held *lease.HeldError
	if _, err := b.Acquire(ctx, "b:1#6", ttl); !errors.As(err, &held) || held.Owner != "a:1#5" {
		t.Errorf("held: got %v", err)
	}
	s.mu.Lock()
	s.token = "second"
	s.mu.Unlock()
	s.mount(t, map[string]string{"token": "second"})
	if _, err := a.Renew(ctx, "a:1#5", ttl, "view 7"); err != nil {
		t.Errorf("renewed: %v", err)
	}
	o := s.objects["pando"]
	spec := o["spec"].(map[string]any)
	if spec["holderIdentity"] != "a:1#5" || spec["leaseDurationSeconds"] != 2.0 || spec["leaseTransitions"] != 1.0 {
		t.Errorf("kubectl shows %v", spec)
	}
	if err := a.Release(ctx, "a:1#5"); err != nil {
		t.Errorf("released: %v", err)
	}
	if got, err := b.Acquire(ctx, "b:1#6", ttl); err != nil || got != (lease.Grant{Number: 2, Note: "view 7"}) {
		t.Errorf("acquired after the release: got %+v, %v", got, err)
	}
	if labels, _ := s.objects["pando"]["metadata"].(map[string]any)["labels"].(map[string]any); labels["team"] != "blue" {
		t.Errorf("labels: got %v, want those that were there", labels)
	}
}

// TestConflicts: who comes second to create or to change the record is told so.
func TestConflicts(t *testing.T) {
	s := newAPI(t)
	r := s.register(t)
	empty, err := r.Load(t.Context())
	if err != nil || empty != (lease.Record{}) {
		t.Fatalf("nothing there: got %+v, %v", empty, err)
	}
	first := lease.Record{Owner: "a", Number: 1, Sequence: 1, TTL: ttl}
	if err := r.Swap(t.Context(), empty, first); err != nil {
		t.Fatal(err)
	}
	if err := r.Swap(t.Context(), empty, first); !errors.Is(err, lease.ErrConflict) {
		t.Errorf("created twice: got %v, want %v", err, lease.ErrConflict)
	}
	old, err := r.Load(t.Context())
	if err != nil || old.Owner != "a" || old.TTL != ttl {
		t.Fatalf("loaded: got %+v, %v", old, err)
	}
	next := old
	next.Sequence++
	if err := r.Swap(t.Context(), old, next); err != nil {
		t.Fatal(err)
	}
	if err := r.Swap(t.Context(), old, next); !errors.Is(err, lease.ErrConflict) {
		t.Errorf("changed twice: got %v, want %v", err, lease.ErrConflict)
	}
}

func TestRefusals(t *testing.T) {
	s := newAPI(t)
	for _, c := range []struct {
		name   string
		change func(r *Register)
		text   string
	}{
		{"forbidden", func(*Register) { s.objects["pando"] = nil; s.token = "other" }, "Unauthorized"},
		{"no name", func(r *Register) { r.Name = "" }, "Name is required"},
		{"plain HTTP", func(r *Register) { r.API = "http://x" }, "want an https URL"},
		{"not in a pod", func(r *Register) { r.API = "" }, "not in a pod"},
		{"no account", func(r *Register) { r.Account = t.TempDir() }, "service account"},
	} {
		r := s.register(t)
		c.change(r)
		if _, err := r.Load(t.Context()); err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.text)
		}
	}
}

// TestLeaseOfSomebodyElse: an object that Pando did not write is left alone.
func TestLeaseOfSomebodyElse(t *testing.T) {
	s := newAPI(t)
	s.objects["pando"] = map[string]any{
		"metadata": map[string]any{"name": "pando", "resourceVersion": "5"},
		"spec":     map[string]any{"holderIdentity": "controller", "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000000Z"},
	}
	if _, err := lease.New(s.register(t)).Acquire(t.Context(), "a", ttl); !errors.Is(err, lease.ErrBadRecord) {
		t.Errorf("got %v, want %v", err, lease.ErrBadRecord)
	}
	if len(s.requests) != 1 {
		t.Errorf("requests: got %v, want one GET", s.requests)
	}
}

func FuzzRecord(f *testing.F) {
	text, err := json.Marshal(objectOf(lease.Record{Owner: "a", Number: 1, Sequence: 2, TTL: ttl, Note: "x"}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"metadata":{"annotations":{"pando-go/ttl":"-1s"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		o := new(object)
		if json.Unmarshal(text, o) != nil {
			return
		}
		if rec, err := o.record(); err == nil && rec.Version == "" {
			t.Errorf("%s: a record without a version", text)
		}
	})
}
