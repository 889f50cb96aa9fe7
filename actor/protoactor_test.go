package actor_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// equivalents answers each test that protoactor-go has of its own actor package:
// with a case of TestConformance, which runs on both contexts, with a test of this
// package or of package mailbox, or, after a dash, with why there is none.
var equivalents = map[string]string{
	"TestActorContext_Stop":                                 "case a watch that comes while stopping",
	"TestActorContext_SendMessage_WithSenderMiddleware":     "case sender middleware",
	"TestActorContext_Respond":                              "case answer to nobody is a dead letter",
	"TestActorContext_Forward":                              "case forward keeps sender and header",
	"TestActorContinueFutureInActor":                        "case re-entrance",
	"TestActorContextAutoRespondMessage":                    "case auto-respond",
	"TestActorContextAutoRespondTouchedMessage":             "case auto-respond",
	"TestActorCanSetBehavior":                               "case behaviors",
	"TestActorCanPopBehavior":                               "case behaviors",
	"TestBehavior_Len":                                      "- pa.Behavior is used as it is",
	"TestBehavior_Push":                                     "- pa.Behavior is used as it is",
	"TestBehavior_Clear":                                    "- pa.Behavior is used as it is",
	"TestBehavior_Peek":                                     "- pa.Behavior is used as it is",
	"TestBehaviorStack_Pop_ExpectedOrder":                   "- pa.Behavior is used as it is",
	"TestActorCanCreateChildren":                            "case children",
	"TestActorCanStopChildren":                              "case children first",
	"TestActorReceivesTerminatedFromWatched":                "case watch",
	"TestFutureDoesTimeout":                                 "test TestAskEndings",
	"TestFutureDoesNotTimeout":                              "case answer",
	"TestDeadLetterAfterStop":                               "case after the end, dead letters",
	"TestDeadLetterWatchRespondsWithTerminate":              "case watch",
	"TestSendsMessagesToEventStream":                        "test TestEventStreamHasAnAddress",
	"TestFuture_PipeTo_Message":                             "case a future is piped to the actor",
	"TestFuture_PipeTo_TimeoutSendsError":                   "case a future is piped to the actor",
	"TestNewFuture_TimeoutNoRace":                           "test TestNoAnswerReachesAnotherAsk",
	"TestFuture_Result_DeadLetterResponse":                  "case after the end, dead letters",
	"TestFuture_Result_Timeout":                             "test TestWithin",
	"TestFuture_Result_Success":                             "test TestPlainActorAnswers",
	"TestSpawnProducesProcess":                              "case started, stopping, stopped",
	"TestActorCanReplyToMessage":                            "case answer",
	"TestActorCanReplyOnStarting":                           "case the first and the last word reach others",
	"TestActorCanReplyOnStopping":                           "case the first and the last word reach others",
	"TestActorReceivesStartedMessage":                       "case started, stopping, stopped",
	"TestActorReceivesRestartingMessage":                    "case restart",
	"TestActorReceivesStoppingMessage":                      "case started, stopping, stopped",
	"TestUnboundedLockfreeMailboxUsermessageConsistency":    "test mailbox.TestSchedules",
	"TestUnboundedLockfreeMailboxSysMessageConsistency":     "test mailbox.TestSchedules",
	"TestBoundedMailbox":                                    "test mailbox.TestModel",
	"TestBoundedDroppingMailbox":                            "test mailbox.TestModel",
	"TestMailboxUserMessageCount":                           "test mailbox.TestModel",
	"TestActorReceivesEachMessageInAMessageBatch":           "case members of a batch, once",
	"TestNormalMessageGivesEmptyMessageHeaders":             "case an empty header",
	"TestMakeReceiverMiddleware_CallsInCorrectOrder":        "case receiver middleware",
	"TestMakeInboundMiddleware_ReturnsNil":                  "- how protoactor builds its chain",
	"TestStopFuture":                                        "case a stop can be waited for",
	"TestPIDSet_Empty":                                      "- pa.PIDSet is used as it is",
	"TestPIDSet_Clear":                                      "- pa.PIDSet is used as it is",
	"TestPIDSet_Remove":                                     "- pa.PIDSet is used as it is",
	"TestPIDSet_AddSmall":                                   "- pa.PIDSet is used as it is",
	"TestPIDSet_Values":                                     "- pa.PIDSet is used as it is",
	"TestPIDSet_AddMap":                                     "- pa.PIDSet is used as it is",
	"TestPushPopGoring":                                     "test mailbox.TestModel",
	"TestPushPopGoringPriority":                             "test mailbox.TestModel",
	"TestPushPopMpsc":                                       "test mailbox.TestModel",
	"TestPushPopMpscPriority":                               "test mailbox.TestModel",
	"TestUint64ToId":                                        "test TestAnonymousIDsAreOfOneIncarnation",
	"TestProps_Clone":                                       "case cloned props",
	"TestLookupById":                                        "case found by its name",
	"TestExponentialBackoffStrategy_setFailureCount":        "test TestBackoffReset",
	"TestExponentialBackoffStrategy_IncrementsFailureCount": "test TestRestartAfterBackoff",
	"TestExponentialBackoffStrategy_ResetsFailureCount":     "test TestBackoffReset",
	"TestOneForOneStrategy_requestRestartPermission":        "case one for one stops beyond its limit",
	"TestSupervisorEventHandleFromEventstream":              "case supervision is an event",
	"TestActorWithOwnSupervisorCanHandleFailure":            "case an actor may be the strategy",
	"TestActorStopsAfterXRestarts":                          "case one for one stops beyond its limit",
	"TestThrottler":                                         "test TestDeadLetterLogIsLimited",
}

// TestEquivalents: what equivalents names is there, and it leaves nothing out.
func TestEquivalents(t *testing.T) {
	known := map[string]bool{}
	for _, c := range conformanceCases() {
		known["case "+c.name] = true
	}
	for name := range testsIn(t, ".") { // order: a set
		known["test "+name] = true
	}
	for name := range testsIn(t, "../mailbox") { // order: a set
		known["test mailbox."+name] = true
	}
	for theirs, ours := range equivalents { // order: each by itself
		if !known[ours] && !strings.HasPrefix(ours, "- ") {
			t.Errorf("%s is answered with %q, which does not exist", theirs, ours)
		}
	}
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/asynkron/protoactor-go").Output()
	if err != nil {
		t.Skipf("protoactor's source cannot be found: %v", err)
	}
	theirs := testsIn(t, filepath.Join(strings.TrimSpace(string(dir)), "actor"))
	for name := range theirs { // order: each by itself
		if equivalents[name] == "" {
			t.Errorf("protoactor's %s has no answer", name)
		}
	}
	if len(theirs) < len(equivalents) {
		t.Errorf("protoactor has %d tests, and %d are answered", len(theirs), len(equivalents))
	}
}

// testsIn is the names of the tests in a folder.
func testsIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") && fn.Name.Name != "TestMain" {
				names[fn.Name.Name] = true
			}
		}
	}
	return names
}
