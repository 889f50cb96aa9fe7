package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// asChat in the environment makes the test binary the chat command, so that
// tests run real processes of the code under test.
const asChat = "PANDO_CHAT_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asChat) != "" {
		os.Exit(run(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}
