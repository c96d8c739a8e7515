package secrets

import (
	"github.com/google/osv-scalibr/veles"
	"github.com/google/osv-scalibr/veles/secrets/anthropicapikey"
	"github.com/google/osv-scalibr/veles/secrets/circleci"
	"github.com/google/osv-scalibr/veles/secrets/denopat"
	"github.com/google/osv-scalibr/veles/secrets/digitaloceanapikey"
	"github.com/google/osv-scalibr/veles/secrets/elasticcloudapikey"
	"github.com/google/osv-scalibr/veles/secrets/gcpapikey"
	"github.com/google/osv-scalibr/veles/secrets/gcpexpressmode"
	"github.com/google/osv-scalibr/veles/secrets/gcpoauth2access"
	"github.com/google/osv-scalibr/veles/secrets/gcpsak"
	"github.com/google/osv-scalibr/veles/secrets/github"
	"github.com/google/osv-scalibr/veles/secrets/gitlabpat"
	"github.com/google/osv-scalibr/veles/secrets/grokxaiapikey"
	"github.com/google/osv-scalibr/veles/secrets/hashicorpvault"
	"github.com/google/osv-scalibr/veles/secrets/herokuplatformkey"
	"github.com/google/osv-scalibr/veles/secrets/huggingfaceapikey"
	"github.com/google/osv-scalibr/veles/secrets/jwt"
	"github.com/google/osv-scalibr/veles/secrets/npmjsaccesstoken"
	"github.com/google/osv-scalibr/veles/secrets/onepasswordkeys"
	"github.com/google/osv-scalibr/veles/secrets/openai"
	"github.com/google/osv-scalibr/veles/secrets/openrouter"
	"github.com/google/osv-scalibr/veles/secrets/perplexityapikey"
	"github.com/google/osv-scalibr/veles/secrets/postmanapikey"
	"github.com/google/osv-scalibr/veles/secrets/pypiapitoken"
	"github.com/google/osv-scalibr/veles/secrets/rubygemsapikey"
	"github.com/google/osv-scalibr/veles/secrets/sendgrid"
	"github.com/google/osv-scalibr/veles/secrets/slacktoken"
	"github.com/google/osv-scalibr/veles/secrets/stripeapikeys"
)

// rule finds credentials that their issuer made recognisable, in any file.
type rule struct {
	id, what string
	// words are what the credential cannot be without: only around one of them find looks.
	words []string
	// reach is how long the credential may be before and behind a word.
	before, after int
	find          func(window []byte) []span
}

// span is a part of a text, in bytes.
type span struct{ start, end int }

// known takes a detector of veles, Google's maintained set, behind a word.
func known(id, what string, d veles.Detector, words ...string) rule {
	reach := int(d.MaxSecretLen()) + margin
	return rule{id, what, words, min(reach, 4<<10), min(reach, 4<<10), func(window []byte) []span {
		_, starts := d.Detect(window)
		var out []span
		for _, at := range starts {
			out = append(out, span{at, tokenEnd(window, at)})
		}
		return out
	}}
}

// shaped takes an expression, whose first group is the credential where it has one.
func shaped(id, what, expression string, words ...string) rule {
	re := lazy(expression)
	return rule{id, what, words, 256, 512, func(window []byte) []span {
		var out []span
		for _, m := range re.get().FindAllSubmatchIndex(window, -1) {
			out = append(out, span{m[len(m)-2], m[len(m)-1]})
		}
		return out
	}}
}

// margin is what a detector sees around its credential: it may ask for a word's boundary.
const margin = 64

// tokenRules leave out what veles finds by a word nearby alone (a 32-digit number beside the name
// of a service): under a telling name, such a value is found as any other.
func tokenRules() []rule {
	return []rule{
		{"private-key", "a private key", []string{pemBegin, pemBegin64}, 64, 4 << 10, privateKeys},
		{"private-key", "a private key", []string{"PuTTY-User-Key-File-"}, 0, 4 << 10, puttyKeys},
		{"docker-auth", "a login to a registry", []string{"eyJhdXRocyI6", "ewoJImF1dGhzIj", "ewogICJhdXRocyI6"}, 0, 4 << 10, registryLogins},
		shaped("age-key", "an age private key", `\bAGE-SECRET-KEY-1[0-9A-Z]{50,}`, "AGE-SECRET-KEY-1"),
		shaped("aws-access-key", "an AWS access key", `\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`, "AKIA", "ASIA"),
		shaped("azure-storage-key", "the key of an Azure storage account", `AccountKey=([A-Za-z0-9+/]{86}==)`, "AccountKey="),
		known("gcp-service-account", "the key of a Google service account", gcpsak.NewDetector(), "auth_provider_x509_cert_url", "ewogICJ0eXBlIjogInNlcnZpY2VfYWNjb3VudCIs"),
		known("google-api-key", "a Google API key", gcpapikey.NewDetector(), "AIzaSy"),
		known("google-api-key", "a Google API key", gcpexpressmode.NewDetector(), "AQ.Ab8R"),
		known("google-oauth", "a Google access token", gcpoauth2access.NewDetector(), "ya29."),
		shaped("google-oauth", "a Google client secret", `\bGOCSPX-[A-Za-z0-9_-]{28}`, "GOCSPX-"),
		known("github-token", "a GitHub token", github.NewClassicPATDetector(), "ghp_", "Z2hwX"),
		known("github-token", "a GitHub token", github.NewFineGrainedPATDetector(), "github_pat_", "Z2l0aHViX3BhdF"),
		known("github-token", "a GitHub token", github.NewOAuthTokenDetector(), "gho_", "Z2hvX"),
		known("github-token", "a GitHub token", github.NewAppU2SDetector(), "ghu_", "Z2h1X"),
		known("github-token", "a GitHub token", github.NewAppS2STokenDetector(), "ghs_", "Z2hzX"),
		known("github-token", "a GitHub token", github.NewAppRefreshTokenDetector(), "ghr_", "Z2hyX"),
		known("gitlab-token", "a GitLab token", gitlabpat.NewDetector(), "glpat-"),
		shaped("gitlab-token", "a GitLab token", `\bgl(?:dt|rt|ptt|cbt|ft)-[A-Za-z0-9_-]{20,}`, "gldt-", "glrt-", "glptt-", "glcbt-", "glft-"),
		known("slack-token", "a Slack token", slacktoken.NewAppLevelTokenDetector(), "xapp-"),
		shaped("slack-token", "a Slack token", `\bxox[abeprs][.-][A-Za-z0-9.-]{20,}`, "xoxa-", "xoxb-", "xoxe-", "xoxe.", "xoxp-", "xoxr-", "xoxs-"),
		shaped("slack-webhook", "the address of a Slack webhook", `hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{24,}`, "hooks.slack.com/"),
		shaped("discord-webhook", "the address of a Discord webhook", `discord(?:app)?\.com/api/webhooks/\d{17,20}/[A-Za-z0-9_-]{60,}`, "/api/webhooks/"),
		known("stripe-key", "a Stripe key", stripeapikeys.NewSecretKeyDetector(), "sk_live_"),
		known("stripe-key", "a Stripe key", stripeapikeys.NewRestrictedKeyDetector(), "rk_live_"),
		known("stripe-key", "a Stripe webhook secret", stripeapikeys.NewWebhookSecretDetector(), "whsec_"),
		known("npm-token", "an npm token", npmjsaccesstoken.NewDetector(), "npm_"),
		known("pypi-token", "a PyPI token", pypiapitoken.NewDetector(), "pypi-AgE"),
		known("rubygems-token", "a RubyGems key", rubygemsapikey.NewDetector(), "rubygems_"),
		known("anthropic-key", "an Anthropic API key", anthropicapikey.NewDetector(), "sk-ant-"),
		known("openai-key", "an OpenAI API key", openai.NewDetector(), "T3BlbkFJ"),
		known("openrouter-key", "an OpenRouter API key", openrouter.NewDetector(), "sk-or-v"),
		known("perplexity-key", "a Perplexity API key", perplexityapikey.NewDetector(), "pplx-"),
		known("xai-key", "an xAI API key", grokxaiapikey.NewAPIKeyDetector(), "xai-"),
		known("huggingface-token", "a Hugging Face token", huggingfaceapikey.NewDetector(), "hf_"),
		known("sendgrid-key", "a SendGrid key", sendgrid.NewDetector(), "SG."),
		known("digitalocean-token", "a DigitalOcean token", digitaloceanapikey.NewDetector(), "dop_v1_"),
		shaped("digitalocean-token", "a DigitalOcean token", `\bdo[or]_v1_[0-9a-f]{64}`, "doo_v1_", "dor_v1_"),
		shaped("dockerhub-token", "a Docker Hub token", `\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}`, "dckr_pat_", "dckr_oat_"),
		known("vault-token", "a Vault token", hashicorpvault.NewTokenDetector(), "hvs.", "hvb."),
		known("heroku-key", "a Heroku key", herokuplatformkey.NewSecretKeyDetector(), "HRKU-"),
		known("postman-key", "a Postman key", postmanapikey.NewAPIKeyDetector(), "PMAK-"),
		known("circleci-token", "a CircleCI token", circleci.NewPersonalAccessTokenDetector(), "CCIPAT_"),
		known("circleci-token", "a CircleCI token", circleci.NewProjectTokenDetector(), "CCIPRJ_"),
		known("deno-token", "a Deno token", denopat.NewUserTokenDetector(), "ddp_"),
		known("elastic-key", "an Elastic Cloud key", elasticcloudapikey.NewDetector(), "essu_"),
		known("1password-token", "a 1Password token", onepasswordkeys.NewServiceTokenDetector(), "ops_eyJ"),
		shaped("supabase-key", "a Supabase key", `\bsb(?:p_[a-f0-9]{40}|_secret_[A-Za-z0-9_-]{31,36})`, "sbp_", "sb_secret_"),
		// A token's first part is JSON, whose first name is mostly one of these.
		known("jwt", "a signed token (JWT)", jwt.NewDetector(), "eyJhbGciOi", "eyJ0eXAiOi", "eyJraWQiOi"),
	}
}

// tokenEnd is where the run of characters that tokens are made of ends.
func tokenEnd(b []byte, at int) int {
	for at < len(b) && (b[at] == '_' || b[at] == '-' || b[at] == '.' || b[at] == '+' || b[at] == '/' || b[at] == '=' || isAlnum(b[at])) {
		at++
	}
	return at
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// isInvented is for what stands in the documentation of a token's shape: "…EXAMPLE", the same
// few characters again and again, the alphabet.
func isInvented(token []byte) bool {
	token = token[:min(len(token), 256)]
	var seen [256]bool
	distinct, run := 0, 0
	for i, c := range token {
		if !seen[c] {
			seen[c] = true
			distinct++
		}
		if i > 0 && c == token[i-1]+1 {
			if run++; run >= 9 {
				return true
			}
		} else {
			run = 0
		}
	}
	return distinct < 8 || exampleWord.Match(token)
}

// isList is for the beginnings of many tokens in a row, as programs have them that look for some.
func isList(token []byte) bool {
	words := 0
	tables().anyFile.Find(token, 0, len(token), func(_, _ int) { words++ })
	return words > 2
}

var exampleWord = lazy(`(?i)EXAMPLE|placeholder|changeme|your[_-]?(?:token|key|secret|api)|x{8}|0{12}|\*{4}|\.\.\.`)
