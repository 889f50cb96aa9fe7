// Package proctest runs an example's own command as real processes in its tests.
//
//	func TestSystem(t *testing.T) {
//		proctest.Skip(t)
//		p := proctest.Start(t, "PANDO_KV_TEST_MAIN", "node", "-h")
//		if code := p.Ends(time.Second); code != 0 {
//			t.Errorf("got exit code %d, want 0", code)
//		}
//	}
//
// The test binary is the command: its TestMain calls it when the variable that Start
// is given is set. What is here belongs to the goroutine of one test.
package proctest
