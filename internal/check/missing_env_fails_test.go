package check

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var missingEnvExamples = []example{
	{name: "each is named", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Missing-env-var exit check OK"}},
	{name: "named in the termination message", c: goodContract(), want: Pass, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log, t.Last.Message = nil, "missing: OWNER_USERNAME"
	})},
	{name: "named as pydantic does", c: goodContract(), want: Pass, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log = []evidence.LogLine{{Text: "owner_username"}, {Text: "  Field required [type=missing]"}}
	})},
	{name: "Kubernetes sets it as well", c: goodContract(), want: Pass, says: []string{"Kubernetes itself sets OWNER_USERNAME=tcp://10.96.0.7:80", "enableServiceLinks: false"}, e: trial(func(t *evidence.EnvTrial) {
		t.ServiceLink = "tcp://10.96.0.7:80"
	})},
	{name: "not set by the manifests", c: goodContract(), want: Pass, says: []string{"do not set it at all"}, e: trial(func(t *evidence.EnvTrial) { t.From = "" })},
	{name: "not set by the manifests, and not missed", c: goodContract(), want: Fail, says: []string{"is its name in the contract the right one?"},
		e: trial(func(t *evidence.EnvTrial) { t.From, t.BecameReady = "", true })},
	{name: "set by the image alone", c: goodContract(), want: Fail, hides: []string{"is its name in the contract"},
		e: trial(func(t *evidence.EnvTrial) { t.From, t.ImageSets = "", true })},
	{name: "became Ready", c: goodContract(), want: Fail, says: []string{"without OWNER_USERNAME", "became Ready"}, hides: []string{"without JWT_SECRET_KEY the"},
		e: trial(func(t *evidence.EnvTrial) { t.BecameReady, t.Exited, t.Last = true, false, nil })},
	{name: "runs on", c: goodContract(), want: Fail, says: []string{"still ran after 30.0 s"}, e: trial(func(t *evidence.EnvTrial) {
		t.Exited, t.Last, t.Seconds = false, nil, 30
	})},
	{name: "exit 0", c: goodContract(), want: Fail, says: []string{"exited with 0"}, e: trial(func(t *evidence.EnvTrial) { t.Last.ExitCode = 0 })},
	{name: "late", c: goodContract(), want: Fail, says: []string{"only after 31.0 s"}, e: trial(func(t *evidence.EnvTrial) { t.Seconds = 31 })},
	{name: "not named", c: goodContract(), want: Fail, says: []string{"does not name the variable", "KeyError"}, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log = []evidence.LogLine{{Text: "KeyError: 'OWNER' while password=" + planted}}
	})},
	{name: "another variable is named", c: goodContract(), want: Fail, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log = []evidence.LogLine{{Text: "missing: OWNER_USERNAME_2, X_OWNER_USERNAME"}}
	})},
	{name: "podproof's own mark names it", c: goodContract(), want: Fail, says: []string{"does not name the variable"}, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log = []evidence.LogLine{{Text: "settings: [value of secret/api:OWNER_USERNAME]"}}
	})},
	{name: "in another spelling", c: goodContract(), want: Fail, says: []string{"in another spelling: `owner.username`", "name OWNER_USERNAME in the message"}, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log = []evidence.LogLine{{Text: "Property: owner.username Reason: must not be null"}}
	})},
	{name: "without its prefix", c: goodContract(), want: Fail, says: []string{"without its prefix: `username`"}, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log = []evidence.LogLine{{Text: "1 validation error for Settings"}, {Text: "username"}, {Text: "  Field required"}}
	})},
	{name: "in a list, while another is wrong", c: goodContract(), want: Fail, says: []string{"only stands in a list of variables", "wrong is PORT"}, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log = []evidence.LogLine{{Text: "panic: PORT is not a number"}, {Text: "environment: PATH HOME OWNER_USERNAME"}}
	})},
	{name: "in a log that was not kept", c: goodContract(), want: Inconclusive, says: []string{"500 lines of the container's log were not kept", "Log less"}, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log, t.Pod.Omitted = []evidence.LogLine{{Text: "x"}}, 500
	})},
	{name: "in a log that was not read to its end", c: goodContract(), want: Inconclusive, says: []string{"the container's log was not read to its end, and what was read does not name it; the log files could not be read"}, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log, t.Pod.Unread = nil, "the log files could not be read"
	})},
	{name: "named in what was read of a log", c: goodContract(), want: Pass, e: trial(func(t *evidence.EnvTrial) { t.Pod.Unread = "the log files could not be read" })},
	{name: "the image sets it", c: goodContract(), want: Fail, says: []string{"the image's own ENV", "Remove ENV OWNER_USERNAME"},
		e: trial(func(t *evidence.EnvTrial) { t.ImageSets = true })},
	{name: "one fails, one is open", c: goodContract(), want: Fail, says: []string{"undecided: no room"}, e: with(func(e *evidence.Evidence) {
		e.RequiredEnv.Trials[0].Problem = "no room"
		e.RequiredEnv.Trials[1].BecameReady = true
	})},
	{name: "trial with a problem", c: goodContract(), want: Inconclusive, says: []string{"OWNER_USERNAME: the pod was evicted"},
		e: trial(func(t *evidence.EnvTrial) { t.Problem = "the pod was evicted" })},
	{name: "container not started", c: goodContract(), want: Inconclusive, says: []string{"CreateContainerConfigError"}, e: trial(func(t *evidence.EnvTrial) {
		t.Exited, t.Last = false, nil
		waits("CreateContainerConfigError", `secret "api" not found`)(&t.Pod)
	})},
	{name: "could not be executed", c: goodContract(), want: Inconclusive, e: trial(func(t *evidence.EnvTrial) {
		t.Last = &corev1.ContainerStateTerminated{ExitCode: 128, Reason: "StartError", Message: "exec format error"}
	})},
	{name: "crashes also with all of them", c: goodContract(), want: Inconclusive, says: []string{"so does the workload", "Fix startup/ready first"}, e: func() evidence.Evidence {
		e := pods(crashes(corev1.ContainerStateTerminated{ExitCode: 1}))
		e.RequiredEnv.Trials[1].Pod.Log = nil
		return e
	}()},
	{name: "a trial is missing", c: goodContract(), want: Inconclusive, says: []string{"OWNER_USERNAME: no trial", "let it finish"},
		e: with(func(e *evidence.Evidence) { e.RequiredEnv.Trials = e.RequiredEnv.Trials[:1] })},
	{name: "none required", c: contractWith(func(c *contract.Contract) { c.Env.Required = nil }), e: goodEvidence(), want: Skipped, says: []string{"names no env.required"}},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionRequiredEnv, func(e *evidence.Evidence) { e.RequiredEnv = nil }), want: Inconclusive},
}

// What programs print when SHOP_API_KEY is missing.
func TestNamingOfAVariable(t *testing.T) {
	for _, c := range []struct {
		name string
		log  []string
		want naming
	}{
		{"Go", []string{`env: required environment variable "SHOP_API_KEY" is not set`}, naming{named: true}},
		{"Python", []string{"KeyError: 'SHOP_API_KEY'"}, naming{named: true}},
		{"pydantic", []string{"1 validation error for Settings", "shop_api_key", "  Field required [type=missing]"}, naming{named: true}},
		{"pydantic in JSON", []string{`{"exception":"1 validation error for Settings\nSHOP_API_KEY\n  Field required [type=missing]"}`}, naming{named: true}},
		{"JSON in JSON", []string{`{"msg":"{\"err\":\"wrong:\\nSHOP_API_KEY\\n  is required\"}"}`}, naming{named: true}},
		{"zod in JSON", []string{`{"err":{"message":"[\n  {\n    \"path\": [\"SHOP_API_KEY\"],\n    \"message\": \"Required\"\n  }\n]"}}`}, naming{named: true}},
		{"in colour", []string{"\x1b[31mSHOP_API_KEY\x1b[0m is required"}, naming{named: true}},
		{"in colour, in JSON", []string{`{"msg":"\u001b[1;31mSHOP_API_KEY\u001b[0m is required"}`}, naming{named: true}},
		{"markdown", []string{"**SHOP_API_KEY** must be set"}, naming{named: true}},
		{"a list of what is missing", []string{"missing: SHOP_DB_PASSWORD, SHOP_API_KEY, PORT"}, naming{named: true}},
		{"the same over several lines", []string{"Missing variables:", "- SHOP_DB_PASSWORD", "- SHOP_API_KEY", "- SHOP_PORT"}, naming{named: true}},
		{"a placeholder", []string{"Could not resolve placeholder 'SHOP_API_KEY' in value \"${SHOP_API_KEY}\""}, naming{named: true}},
		{"a list, and nothing else is wrong", []string{"connect: no route to host", "settings: SHOP_API_KEY, SHOP_DB_PASSWORD, PORT"}, naming{named: true, listed: true}},
		{"a usage text, and another is wrong", []string{"SHOP_DB_PASSWORD is required", "usage:", "  SHOP_API_KEY      the key (required)", "  SHOP_DB_PASSWORD  the password", "  SHOP_PORT         the port"},
			naming{listed: true, reason: "SHOP_DB_PASSWORD"}},
		{"a usage text, and it is wrong", []string{"usage:", "  SHOP_API_KEY      the key (required)", "  SHOP_DB_PASSWORD  the password", "  SHOP_PORT         the port", "SHOP_API_KEY is required"}, naming{named: true}},
		{"another one's name", []string{"SHOP_API_KEY_ID is required", "environment: PATH HOME SHOP_API_KEY_FILE"}, naming{}},
		{"Spring", []string{"Binding to target ShopProperties failed: Property: shop.api-key Reason: must not be null"}, naming{spelled: "shop.api-key"}},
		{"camelCase", []string{"shop.apiKey is required"}, naming{spelled: "shop.apiKey"}},
		{".NET", []string{"OptionsValidationException: 'Shop:ApiKey' must not be empty"}, naming{spelled: "Shop:ApiKey"}},
		{".NET's own spelling of variables", []string{"Shop__ApiKey must not be empty"}, naming{spelled: "Shop__ApiKey"}},
		{"a field", []string{"missing field `api_key`"}, naming{short: "api_key"}},
		{"a field of .NET", []string{"DataAnnotation validation failed for 'ShopOptions' members: 'ApiKey'"}, naming{short: "ApiKey"}},
		{"nothing", []string{"exit"}, naming{}},
	} {
		var trial evidence.EnvTrial
		for _, l := range c.log {
			trial.Pod.Log = append(trial.Pod.Log, evidence.LogLine{Text: l})
		}
		if got := namingOf(trial, "SHOP_API_KEY"); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
