package trials

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/search/proxy"
)

func trial(i int) Trial {
	return Trial{Index: i, Choices: []int{i}, Table: &config.BlockTable{Stem: []int{2, 2}, Blocks: []config.Block{{Level: 3, Kind: config.BlockResidual, In: [2]int{0, 1}}}}}
}

// try measures what there is to measure and proposes what is missing, as a search does.
func try(f *Folder, most int) (measured int, err error) {
	for {
		list, err := f.Trials()
		if err != nil {
			return measured, err
		}
		for i := range list {
			if list[i].Score != nil {
				continue
			}
			mine, err := f.Claim(i)
			if err != nil {
				return measured, err
			}
			if mine {
				list[i].Score = &proxy.Score{AP: float64(i) / 1000}
				if err := f.Finish(list[i], 1); err != nil {
					return measured, err
				}
				measured++
			}
		}
		if len(list) >= most {
			return measured, nil
		}
		if err := f.Propose(trial(len(list))); err != nil && !errors.Is(err, ErrTaken) {
			return measured, err
		}
	}
}

func lines(t *testing.T, path, name string) []string {
	data, err := os.ReadFile(filepath.Join(path, name))
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

// Each opening of a folder has a lock of its own, as a process has.
func TestProcessesShareAFolder(t *testing.T) {
	const most, processes = 40, 5
	path := filepath.Join(t.TempDir(), "found")
	first, err := Create(path, []byte("{}\n"))
	require.NoError(t, err)
	require.NoError(t, first.Close())
	measured, errs := make([]int, processes), make([]error, processes)
	var all sync.WaitGroup
	for p := range processes {
		all.Go(func() {
			f, err := Open(path)
			if err == nil {
				measured[p], err = try(f, most)
			}
			if err == nil {
				_, err = f.Merge()
			}
			errs[p] = errors.Join(err, f.Close())
		})
	}
	all.Wait()
	sum := 0
	for p := range processes {
		require.NoError(t, errs[p])
		sum += measured[p]
	}
	require.Equal(t, most, sum, "nothing twice, nothing left")
	require.Len(t, lines(t, path, LinesFile), most)
	require.Len(t, lines(t, path, TimesFile), most)
	header, list, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, "{}\n", string(header))
	for i, tr := range list {
		require.Equal(t, i, tr.Index)
		require.Equal(t, []int{i}, tr.Choices)
	}
	for _, sub := range []string{processFolder, temporaryFolder} {
		left, err := os.ReadDir(filepath.Join(path, workFolder, sub))
		require.NoError(t, err)
		require.Empty(t, left)
	}
	_, err = Create(path, []byte("{}\n"))
	require.ErrorIs(t, err, fs.ErrExist)
}

// die ends a process as kill -9 does: its files stay, its lock does not.
func die(f *Folder) {
	close(f.own.stop)
	<-f.own.done
	f.own.file.Close()
}

func TestClaimsOfDeadProcessesAreTakenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "found")
	a, err := Create(path, []byte("{}\n"))
	require.NoError(t, err)
	require.NoError(t, a.Propose(trial(0)))
	mine, err := a.Claim(0)
	require.NoError(t, err)
	require.True(t, mine)
	left, err := a.temporary([]byte("half"))
	require.NoError(t, err)

	b, err := Open(path)
	require.NoError(t, err)
	defer b.Close()
	mine, err = b.Claim(0)
	require.NoError(t, err)
	require.False(t, mine, "its owner lives")
	require.FileExists(t, left)

	die(a)
	mine, err = b.Claim(0)
	require.NoError(t, err)
	require.True(t, mine)
	c, err := Open(path)
	require.NoError(t, err)
	defer c.Close()
	mine, err = c.Claim(0)
	require.NoError(t, err)
	require.False(t, mine, "the second owner lives")
	require.NoFileExists(t, left)
}

// Of a process on another host only its signs of life are known.
func TestSilentProcessesOfOtherHostsAreDead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "found")
	f, err := Create(path, []byte("{}\n"))
	require.NoError(t, err)
	defer f.Close()
	const other = "0123456789ab"
	name := f.own.path(other)
	for ago, want := range map[time.Duration]bool{time.Minute: false, 4 * time.Minute: true} {
		require.NoError(t, os.WriteFile(name, []byte("elsewhere.example\n"), 0o666))
		at := time.Now().Add(-ago)
		require.NoError(t, os.Chtimes(name, at, at))
		dead, err := f.own.dead(other)
		require.NoError(t, err)
		require.Equal(t, want, dead, fmt.Sprint(ago))
	}
}

func TestDamagedFilesAreNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "found")
	f, err := Create(path, []byte("{}\n"))
	require.NoError(t, err)
	defer f.Close()
	name := filepath.Join(path, workFolder, "000000.proposal")
	require.NoError(t, os.WriteFile(name, []byte(`{"trial":0`), 0o666))
	_, err = f.Trials()
	require.EqualError(t, err, name+": unexpected end of JSON input")
	require.NoError(t, os.WriteFile(filepath.Join(path, LinesFile), []byte("{}\n"), 0o666))
	_, _, err = Read(path)
	require.EqualError(t, err, filepath.Join(path, LinesFile)+": line 1: no table or no score")
}

// A folder that was copied without work/ keeps what was measured, and goes on behind it.
func TestLinesRestoreTheFilesOfTrials(t *testing.T) {
	path := filepath.Join(t.TempDir(), "found")
	f, err := Create(path, []byte("{}\n"))
	require.NoError(t, err)
	_, err = try(f, 5)
	require.NoError(t, err)
	_, err = f.Merge()
	require.NoError(t, err)
	require.NoError(t, f.Close())
	before, times := lines(t, path, LinesFile), lines(t, path, TimesFile)

	for _, gone := range []string{workFolder, filepath.Join(workFolder, "000002.result"), filepath.Join(workFolder, "000004.*")} {
		found, err := filepath.Glob(filepath.Join(path, gone))
		require.NoError(t, err)
		for _, name := range found {
			require.NoError(t, os.RemoveAll(name))
		}
		f, err := Open(path)
		require.NoError(t, err)
		list, err := f.Merge()
		require.NoError(t, err)
		require.Len(t, list, 5, gone)
		require.Equal(t, before, lines(t, path, LinesFile))
		require.Equal(t, times, lines(t, path, TimesFile))
		measured, err := try(f, 5)
		require.NoError(t, err)
		require.Zero(t, measured)
		require.NoError(t, f.Close())
	}
}

// Who looked before a trial was finished, and claims it after its owner has gone, has nothing to measure.
func TestWhatIsMeasuredCannotBeClaimed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "found")
	a, err := Create(path, []byte("{}\n"))
	require.NoError(t, err)
	require.NoError(t, a.Propose(trial(0)))
	b, err := Open(path)
	require.NoError(t, err)
	defer b.Close()
	_, err = try(a, 1)
	require.NoError(t, err)
	require.NoError(t, a.Close())
	mine, err := b.Claim(0)
	require.NoError(t, err)
	require.False(t, mine)
}

// A process that was taken for dead, and whose file was removed, lives on.
func TestProcessEntersAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "found")
	a, err := Create(path, []byte("{}\n"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(a.own.path(a.own.id)))
	require.NoError(t, a.Propose(trial(0)))
	require.NoError(t, a.own.beat())
	mine, err := a.Claim(0)
	require.NoError(t, err)
	require.True(t, mine)
	b, err := Open(path)
	require.NoError(t, err)
	mine, err = b.Claim(0)
	require.NoError(t, err)
	require.False(t, mine, "its owner lives")
	require.NoError(t, b.Close())
	require.NoError(t, os.Remove(a.own.path(a.own.id)))
	require.NoError(t, a.Close())
}
