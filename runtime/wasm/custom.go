package wasm

// WithCustom returns a copy of the module whose only custom section of that
// name holds payload, as its last section. An error is Parse's.
func WithCustom(module []byte, name string, payload []byte) ([]byte, error) {
	m, err := Parse(module)
	if err != nil {
		return nil, err
	}
	body := append(appendName(nil, name), payload...)

	out := make([]byte, 0, len(module)+len(body)+8)
	kept := 0
	for _, c := range m.Customs {
		if c.Name == name {
			out = append(out, module[kept:c.Start]...)
			kept = c.End
		}
	}
	out = append(out, module[kept:]...)
	out = append(out, sectionCustom)
	out = appendU32(out, uint32(len(body)))
	return append(out, body...), nil
}
