package imageio

// KindOf tells what kind of picture a file is by its first bytes, of which 16 are
// enough; "" is a file that does not look like a picture. readable says whether
// [Decode] knows the kind.
func KindOf(head []byte) (kind string, readable bool) {
	for _, f := range formats {
		for _, magic := range f.magic {
			if match(magic, head) {
				return f.name, true
			}
		}
	}
	for _, u := range unread {
		if match(u.magic, head) {
			return u.name, false
		}
	}
	return "", false
}
