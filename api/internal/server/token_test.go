package server

import (
	"encoding/json"
	"strings"
	"testing"
)

const tokenPath = "/api/v1/auth/token"

func TestLogin(t *testing.T) {
	for name, c := range map[string]struct {
		contentType, body string
		status            int
	}{
		"form":                   {formType, "username=owner&password=CANARY-password", 200},
		"form with charset":      {formType + "; charset=utf-8", "username=owner&password=CANARY-password", 200},
		"form of OAuth 2":        {formType, "grant_type=password&scope=&username=owner&password=CANARY-password", 200},
		"JSON":                   {jsonType, `{"username": "owner", "password": "CANARY-password"}`, 200},
		"wrong password":         {formType, "username=owner&password=CANARY", 401},
		"wrong username":         {formType, "username=other&password=CANARY-password", 401},
		"empty form":             {formType, "", 401},
		"broken form":            {formType, "username=%zz", 400},
		"empty JSON":             {jsonType, "{}", 401},
		"no JSON":                {jsonType, "username", 400},
		"unknown field":          {jsonType, `{"user": "owner"}`, 400},
		"two values":             {jsonType, `{} {}`, 400},
		"other type":             {"text/plain", "username=owner&password=CANARY-password", 415},
		"no type":                {"", "username=owner&password=CANARY-password", 415},
		"body that is too large": {jsonType, `{"username": "` + strings.Repeat("x", maxBody) + `"}`, 413},
		"form that is too large": {formType, "username=" + strings.Repeat("x", maxBody), 413},
	} {
		t.Run(name, func(t *testing.T) {
			got := newAPI(t).do("POST", tokenPath, c.body, "Content-Type", c.contentType)
			expectStatus(t, got, c.status)
			if c.status == 401 && got.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("headers are %v", got.Header())
			}
		})
	}
}

func TestAPasswordInTheQueryDoesNotCount(t *testing.T) {
	got := newAPI(t).do("POST", tokenPath+"?username=owner&password=CANARY-password", "", "Content-Type", formType)
	expectStatus(t, got, 401)
}

func TestTheTokenOpensTheRoute(t *testing.T) {
	a := newAPI(t)
	login := a.do("POST", tokenPath, "username=owner&password=CANARY-password", "Content-Type", formType)
	var token struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}
	if err := json.Unmarshal(login.Body.Bytes(), &token); err != nil {
		t.Fatal(err)
	}
	if token.TokenType != "bearer" || token.ExpiresIn != 3600 {
		t.Errorf("got %s", login.Body)
	}
	body := `{"name": "cat", "content_type": "image/gif"}`
	for header, status := range map[string]int{
		"Bearer " + token.AccessToken:       201,
		"bearer " + token.AccessToken:       201,
		"Bearer " + token.AccessToken + "x": 401,
		"Basic " + token.AccessToken:        401,
		token.AccessToken:                   401,
		"Bearer":                            401,
		"":                                  401,
	} {
		got := a.do("POST", "/api/v1/reactions", body, "Authorization", header, "Content-Type", jsonType)
		expectStatus(t, got, status)
	}
}
