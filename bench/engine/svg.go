package main

func picture(rows []row) []byte { return nil }
