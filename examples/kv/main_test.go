package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// asKV in the environment makes the test binary the kv command, so that tests
// run real processes of the code under test.
const asKV = "PANDO_KV_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asKV) != "" {
		os.Exit(run(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}
