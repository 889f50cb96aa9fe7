package kubernetes

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pando-go/pando/seedjoin/discovery"
)

// apiServer stands in for the one request that is made of a Kubernetes API
// server: it checks the token, the path and the selector, and hands out the
// list in pages with a continue token, as the real one does.
type apiServer struct {
	*httptest.Server
	folder string // of the service account

	mu      sync.Mutex
	token   string
	slices  []labelled
	perPage int // at most this many slices in a page, whatever limit asks for
	expire  int // so many requests with a continue token are answered 410 Gone
	seen    []string
}

type labelled struct {
	service string
	text    string // of the slice
}

func newAPI(t *testing.T) *apiServer {
	t.Helper()
	s := &apiServer{token: "first", perPage: 100, folder: t.TempDir()}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	s.mount(t, map[string]string{"token": "first\n", "namespace": "grove", "ca.crt": string(ca)})
	return s
}

// mount writes files of the service account.
func (s *apiServer) mount(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *apiServer) source() *Source {
	return &Source{Service: "pando", Port: "cluster", API: s.URL, Account: s.folder}
}

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	s.seen = append(s.seen, r.URL.Path+" "+q.Get("labelSelector"))
	switch {
	case r.Header.Get("Authorization") != "Bearer "+s.token:
		status(w, 401, "Unauthorized")
	case r.Method != http.MethodGet || r.URL.Path != "/apis/discovery.k8s.io/v1/namespaces/grove/endpointslices":
		status(w, 403, `endpointslices.discovery.k8s.io is forbidden: User "system:serviceaccount:grove:default" cannot list resource "endpointslices"`)
	case q.Get("continue") != "" && s.expire > 0:
		s.expire--
		status(w, 410, "The provided continue parameter is too old")
	default:
		s.list(w, q.Get("labelSelector"), q.Get("limit"), q.Get("continue"))
	}
}

func status(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code})
}

func (s *apiServer) list(w http.ResponseWriter, selector, limit, token string) {
	var items []string
	for _, l := range s.slices {
		if selector == "kubernetes.io/service-name="+l.service {
			items = append(items, l.text)
		}
	}
	begin, _ := strconv.Atoi(token)
	most, _ := strconv.Atoi(limit)
	end := min(len(items), begin+min(most, s.perPage))
	next := ""
	if end < len(items) {
		next = strconv.Itoa(end)
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","metadata":{"resourceVersion":"7","continue":%q},"items":[%s]}`,
		next, strings.Join(items[begin:end], ","))
}

// sliceOf is an EndpointSlice as the API server writes it.
func sliceOf(port int, endpoints ...string) string {
	return fmt.Sprintf(`{"metadata":{"name":"pando-x7","namespace":"grove"},"addressType":"IPv4","endpoints":[%s],
		"ports":[{"name":"http","protocol":"TCP","port":8080},{"name":"cluster","protocol":"TCP","port":%d}]}`, strings.Join(endpoints, ","), port)
}

func pod(ip, conditions string) string {
	return fmt.Sprintf(`{"addresses":[%q],"conditions":{%s},"nodeName":"n1","zone":"z1","targetRef":{"kind":"Pod","name":"pando-0"}}`, ip, conditions)
}

func TestDiscover(t *testing.T) {
	s := newAPI(t)
	s.slices = []labelled{
		{"other", sliceOf(7000, pod("10.9.0.1", `"ready":true`))},
		{"pando", sliceOf(7000,
			pod("10.0.0.1", `"ready":true,"serving":true,"terminating":false`),
			pod("10.0.0.2", `"ready":false,"serving":false`),
			pod("10.0.0.3", `"ready":true,"serving":true,"terminating":true`),
			pod("10.0.0.4", ``),
			pod("10.0.0.5", `"ready":false,"serving":true`),
			pod("10.0.0.6", `"ready":null`))},
		{"pando", sliceOf(7001, `{"addresses":["10.0.1.1","10.0.1.2"]}`, `{"addresses":[]}`)},
		{"pando", `{"addressType":"IPv6","endpoints":[{"addresses":["fd00::1"]}],"ports":[{"name":"cluster","port":7000}]}`},
		{"pando", `{"endpoints":[{"addresses":["10.0.2.1"]}],"ports":[{"name":"http","port":8080}]}`},
		{"pando", `{"endpoints":[{"addresses":["10.0.2.2"]}],"ports":[{"name":"cluster","port":null}]}`},
		{"pando", `{"endpoints":null,"ports":null}`},
	}
	want := []string{"10.0.0.1:7000", "10.0.0.4:7000", "10.0.0.5:7000", "10.0.0.6:7000", "10.0.1.1:7001", "[fd00::1]:7000"}
	for _, perPage := range []int{100, 3, 1} {
		s.perPage = perPage
		got, err := s.source().Discover(t.Context())
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d a page: got %q, %v, want %q", perPage, got, err, want)
		}
	}
	only := s.source()
	only.Port = ""
	if got, err := only.Discover(t.Context()); err != nil || !slices.Equal(got, []string{"[fd00::1]:7000", "10.0.2.1:8080"}) {
		t.Errorf("without a port: got %q, %v, want those of slices with one port", got, err)
	}
}

// The token is read again for each request, as Kubernetes rotates it.
func TestTokenIsReadAgain(t *testing.T) {
	s := newAPI(t)
	s.slices = []labelled{{"pando", sliceOf(7000, pod("10.0.0.1", `"ready":true`))}}
	src := s.source()
	if _, err := src.Discover(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.token = "second"
	if _, err := src.Discover(t.Context()); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("with an old token: got %v, want one that names 401", err)
	}
	s.mount(t, map[string]string{"token": "second"})
	if got, err := src.Discover(t.Context()); err != nil || len(got) != 1 {
		t.Errorf("with the new one: got %q, %v, want a list", got, err)
	}
}

// A list that expires while it is paged is read again from its head, once.
func TestExpiredList(t *testing.T) {
	s := newAPI(t)
	s.perPage = 1
	for i := range 3 {
		s.slices = append(s.slices, labelled{"pando", sliceOf(7000, pod(fmt.Sprint("10.0.0.", i), `"ready":true`))})
	}
	s.expire = 1
	if got, err := s.source().Discover(t.Context()); err != nil || len(got) != 3 {
		t.Errorf("expired once: got %q, %v, want three, none twice", got, err)
	}
	s.expire = 2
	if _, err := s.source().Discover(t.Context()); !errors.Is(err, errExpired) {
		t.Errorf("expired again: got %v, want %v", err, errExpired)
	}
}

func TestDiscoverFails(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, s *apiServer, src *Source)
		want   string
	}{
		{"a right is missing", func(_ *testing.T, _ *apiServer, src *Source) { src.Namespace = "kube-system" }, "cannot list resource"},
		{"another CA", func(t *testing.T, s *apiServer, _ *Source) {
			s.mount(t, map[string]string{"ca.crt": foreignCA(t)})
		}, "certificate"},
		{"no CA", func(t *testing.T, s *apiServer, _ *Source) { s.mount(t, map[string]string{"ca.crt": "x"}) }, "ca.crt"},
		{"no account", func(_ *testing.T, _ *apiServer, src *Source) { src.Account = "/nowhere" }, "service account"},
		{"no service", func(_ *testing.T, _ *apiServer, src *Source) { src.Service = "" }, "Service or Selector"},
		{"plain HTTP", func(_ *testing.T, _ *apiServer, src *Source) { src.API = "http://127.0.0.1:1" }, "https"},
		{"too many pages", func(_ *testing.T, s *apiServer, _ *Source) {
			s.perPage = 1
			for range maxPages + 1 {
				s.slices = append(s.slices, labelled{"pando", sliceOf(1)})
			}
		}, "pages"},
		{"no JSON", func(_ *testing.T, s *apiServer, _ *Source) { s.slices = []labelled{{"pando", "{"}} }, "bad list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newAPI(t)
			src := s.source()
			tt.change(t, s, src)
			if got, err := src.Discover(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, %v, want an error with %q", got, err, tt.want)
			}
		})
	}
}

func TestOutsideOfAPod(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	s := newAPI(t)
	src := s.source()
	src.API = ""
	if _, err := src.Discover(t.Context()); !errors.Is(err, discovery.ErrConfig) || !strings.Contains(err.Error(), "not in a pod") {
		t.Errorf("got %v, want an error that tells of no pod", err)
	}
	address := strings.TrimPrefix(s.URL, "https://")
	host, port, _ := strings.Cut(address, ":")
	t.Setenv("KUBERNETES_SERVICE_HOST", host)
	t.Setenv("KUBERNETES_SERVICE_PORT", port)
	if _, err := src.Discover(t.Context()); err != nil {
		t.Errorf("by the environment: got %v, want none", err)
	}
}

func FuzzSlices(f *testing.F) {
	f.Add([]byte(`{"items":[`+sliceOf(7000, pod("10.0.0.1", `"ready":true`))+`]}`), "cluster")
	f.Add([]byte(`{"items":[{"ports":[null],"endpoints":[null]}]}`), "")
	f.Fuzz(func(t *testing.T, body []byte, name string) {
		var page sliceList
		if json.Unmarshal(body, &page) != nil {
			return
		}
		for i := range page.Items {
			page.Items[i].append(nil, name)
		}
	})
}

// foreignCA is a certificate that signed nothing here.
func foreignCA(t *testing.T) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "other"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
