package wasm

import "crypto/sha256"

// ShellSection is a custom section that only a shell has: the SHA-256 of the
// module it is the shell of.
const ShellSection = Reserved + "shell"

// Shell returns the module without its code: each function does nothing but
// trap. A compiler that has the machine code of the module already needs no
// more than that to run it, and reads it in a fraction of the time.
//
// Shells of different modules differ, even where nothing but their code does.
// The module must be one that Check accepts; an error means it is not.
func Shell(module []byte) ([]byte, error) {
	out := append(make(code, 0, len(module)/8), header...)
	r := newReader(module)
	r.sections(Unbounded.Size, func(r *reader, id byte, start int) {
		if id != sectionCode {
			r.rest()
			out.raw(module[start:r.end]...)
			return
		}
		n := r.count("functions")
		r.rest()
		out.raw(sectionCode)
		out.sized(func() {
			out = appendU32(out, uint32(n))
			for range n {
				out.raw(3, 0, opUnreachable, opEnd) // its size, no locals, its instructions
			}
		})
	})
	if r.err != nil {
		return nil, r.err
	}
	digest := sha256.Sum256(module)
	out.raw(sectionCustom)
	out.sized(func() {
		out = appendName(out, ShellSection)
		out.raw(digest[:]...)
	})
	return out, nil
}
