package smtptest

import (
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

var _ smtp.AuthSession = (*session)(nil)

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string {
	switch o := s.server.options; {
	case o.Username == "":
		return nil
	case o.Login:
		return []string{sasl.Login}
	default:
		return []string{sasl.Plain}
	}
}

// Auth implements smtp.AuthSession.
func (s *session) Auth(mechanism string) (sasl.Server, error) {
	if mechanism == sasl.Login {
		return &login{check: s.signIn}, nil
	}
	return sasl.NewPlainServer(func(_, username, password string) error { return s.signIn(username, password) }), nil
}

func (s *session) signIn(username, password string) error {
	o := s.server.options
	if o.SignIn != nil {
		if refusal := o.SignIn(username, password); refusal != nil {
			return s.answer(refusal)
		}
	}
	if username != o.Username || password != o.Password {
		return smtp.ErrAuthFailed
	}
	s.user = username
	return nil
}

// login is the server's side of LOGIN: it asks for the name, then the password.
type login struct {
	check func(username, password string) error
	said  []string
}

// Next implements sasl.Server. A response that is nil is none.
func (l *login) Next(response []byte) (challenge []byte, done bool, err error) {
	if response != nil {
		l.said = append(l.said, string(response))
	}
	switch len(l.said) {
	case 0:
		return []byte("Username:"), false, nil
	case 1:
		return []byte("Password:"), false, nil
	default:
		return nil, true, l.check(l.said[0], l.said[1])
	}
}
