package runtime

import "github.com/onnxrun/onnxrun/internal/plan"

// Counts returns how many programs were compiled, how many constants packed, how often sizes changed and how
// often that moved memory, and how many steps find shapes while running.
func (s *Session) Counts() (programs, packs, binds, layouts, dynamic int) {
	binds, layouts = s.main.plan.Counts()
	return 1 + len(s.shaped), s.weights.Packs(), binds, layouts, s.main.plan.Dynamic()
}

// Memory returns the sizes of what the session's idle frames hold, those of bodies too.
func (s *Session) Memory() []plan.Memory { return s.main.plan.Memory() }
