//go:build !linux

package runtime

func largePages([]byte) {}
