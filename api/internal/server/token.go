package server

import (
	"net/http"
	"time"

	"podproof.dev/reactbin/internal/auth"
)

// token logs the owner in. It takes a form, as OAuth 2's password grant does, or JSON.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	var login struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	if mediaType(r) == formType {
		if err := r.ParseForm(); err != nil {
			failBody(w, err)
			return
		}
		// PostForm, not Form: a password in the query would end up in logs.
		login.Username, login.Password = r.PostForm.Get("username"), r.PostForm.Get("password")
	} else if !decode(w, r, &login) {
		return
	}
	if !s.Owner.Matches(login.Username, login.Password) {
		unauthorized(w, "wrong username or password")
		return
	}
	token, err := s.Owner.Token()
	if err != nil {
		s.Log.Error("Token could not be issued", "error", err)
		fail(w, http.StatusInternalServerError, "the token could not be issued")
		return
	}
	reply(w, http.StatusOK, map[string]any{
		"access_token": token,
		"token_type":   "bearer",
		"expires_in":   int(auth.Validity / time.Second),
	})
}
