package journal

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A file that was touched or copied is the same; one that was replaced is another, even if size and time are those of the first.
func TestSourcesKnowTheirFilesAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.tif")
	write := func(content string, modified time.Time) {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o666))
		require.NoError(t, os.Chtimes(path, modified, modified))
	}
	read := 0
	hash := func() string {
		read++
		f, err := os.Open(path)
		require.NoError(t, err)
		defer f.Close()
		sum, err := Hash(f)
		require.NoError(t, err)
		return sum
	}
	same := func(was Source) bool {
		is, err := StatSource(path)
		require.NoError(t, err)
		return was.SameAs(is, hash)
	}
	then := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	write("black", then)
	was, err := StatSource(path)
	require.NoError(t, err)
	was.SHA256 = hash()
	require.Equal(t, int64(5), was.Bytes)
	require.Equal(t, then.UnixNano(), was.Modified)
	require.Equal(t, "c006c7e3ab14d686f63524136f1ec7c5e553d839bc01c851e4dc9de2bdbfc589", was.SHA256) // sha256sum (coreutils 9.1)

	read = 0
	require.True(t, same(was))
	require.Zero(t, read, "the times are enough")
	write("black", then.Add(time.Hour))
	require.True(t, same(was), "touched")
	require.Equal(t, 1, read)
	write("white", then.Add(time.Hour))
	require.False(t, same(was), "replaced by one of the same size")
	if runtime.GOOS != "windows" { // which has no ctime
		write("white", then)
		require.False(t, same(was), "replaced by one of the same size and time")
	}
	write("longer", then)
	read = 0
	require.False(t, same(was))
	require.Zero(t, read, "the size is enough")

	write("white", then)
	require.True(t, same(Source{Bytes: 5}), "an older journal knows the size alone")
	touched := was
	touched.Modified++
	require.False(t, was.SameAs(touched, func() string { return "" }))
}
