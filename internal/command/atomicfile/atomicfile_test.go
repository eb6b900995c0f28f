package atomicfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFilesAppearWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "new/folder/a.json")
	f, err := Create(path)
	require.NoError(t, err)
	_, err = f.Write([]byte("whole"))
	require.NoError(t, err)
	require.NoFileExists(t, path)
	require.NoError(t, f.Commit())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "whole", string(data))

	f, err = Create(path)
	require.NoError(t, err)
	_, err = f.Write([]byte("half"))
	require.NoError(t, err)
	f.Discard()
	data, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "whole", string(data))

	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary files stay")
}

// As on a full disk: the first bytes find room in memory, later ones fail.
func TestFailedWritesLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.json")
	f, err := Create(name)
	require.NoError(t, err)
	temporary := f.f.Name()
	require.NoError(t, f.f.Close())
	f.f, err = os.Open(temporary) // for reading only
	require.NoError(t, err)
	f.w.Reset(f.f)
	for range 3 {
		f.Write(make([]byte, 1<<15))
	}
	require.EqualError(t, f.Commit(), "write "+name+": bad file descriptor")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestFoldersThatCannotBeMade(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	_, err := Create(filepath.Join(dir, "file", "a.json"))
	require.EqualError(t, err, "write "+filepath.Join(dir, "file", "a.json")+": not a directory")
}

func TestRemoveTemporaryLeavesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	ours := []string{".a.json.123.tmp", "overlay/.b.png.4.tmp", "overlay/deep/.c.png.5.tmp"}
	others := []string{"a.json", ".other.json.123.tmp", ".a.json.tmp", "overlay/b.png", "overlay/.b.tmp", "photos/.d.png.6.tmp"}
	for _, name := range append(ours, others...) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o666))
	}
	require.NoError(t, RemoveTemporary(filepath.Join(dir, "a.json")))
	require.NoError(t, RemoveTemporary(filepath.Join(dir, "overlay")))
	require.NoError(t, RemoveTemporary(filepath.Join(dir, "none")))
	for _, name := range ours {
		require.NoFileExists(t, filepath.Join(dir, name))
	}
	for _, name := range others {
		require.FileExists(t, filepath.Join(dir, name))
	}
}
