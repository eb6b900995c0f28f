package trials

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spinemask/spinemask/internal/command/filelock"
)

const processFolder = "processes"

const (
	beat   = 15 * time.Second // between two signs of life
	silent = 3 * time.Minute  // without one, a process is dead that nobody can ask
)

// A process is this one: its name, and its file that is locked and written as long as it lives.
type process struct {
	work string // folder
	id   string
	host string
	stop chan struct{}
	done chan struct{}

	mu   sync.Mutex
	file *os.File
}

// begin enters this process.
func begin(work string) (*process, error) {
	random := make([]byte, 6)
	rand.Read(random)
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	p := &process{work: work, id: hex.EncodeToString(random), host: host, stop: make(chan struct{}), done: make(chan struct{})}
	if err := p.enterNow(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		for {
			select {
			case <-time.After(beat):
				p.beat() // a disk that fails now fails again when a result is written, which is told
			case <-p.stop:
				return
			}
		}
	}()
	return p, nil
}

func (p *process) enterNow() error {
	for p.file == nil {
		if err := p.enter(); err != nil {
			return err
		}
	}
	return nil
}

// enter makes and locks the file, unless another process has taken it for that of a dead one before it was locked.
func (p *process) enter() error {
	f, err := os.Create(p.path(p.id))
	if err != nil {
		return err
	}
	err = filelock.Try(f) // where there are no locks, signs of life have to do
	held := errors.Is(err, filelock.ErrHeld)
	mine, err := f.Stat()
	if err == nil {
		err = p.writeHost(f)
	}
	now, nowErr := os.Stat(p.path(p.id))
	if err != nil || held || nowErr != nil || !os.SameFile(mine, now) {
		f.Close()
		return err
	}
	p.file = f
	return nil
}

func (p *process) path(id string) string { return filepath.Join(p.work, processFolder, id) }

// beat writes the file, so that the disk's own clock gives it a time. A process that was suspended for long may have been taken for dead and its file removed;
// then it enters again.
func (p *process) beat() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file != nil {
		mine, err := p.file.Stat()
		if err != nil {
			return err
		}
		now, err := os.Stat(p.path(p.id))
		if err == nil && os.SameFile(mine, now) {
			return p.writeHost(p.file)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		p.file.Close()
		p.file = nil
	}
	return p.enterNow()
}

func (p *process) writeHost(f *os.File) error {
	_, err := f.WriteAt([]byte(p.host+"\n"), 0)
	return err
}

// end takes the process's file away.
func (p *process) end() error {
	close(p.stop)
	<-p.done
	p.file.Close()
	if err := os.Remove(p.path(p.id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// dead says whether a process has ended, in whatever way.
func (p *process) dead(id string) (bool, error) {
	if id == p.id {
		return false, nil
	}
	if strings.Trim(id, "0123456789abcdef") != "" || id == "" {
		return false, fmt.Errorf("trials: %s: a claim of the process %q, which is no name of one", p.work, id)
	}
	host, err := os.ReadFile(p.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if strings.TrimSpace(string(host)) == p.host {
		f, err := os.OpenFile(p.path(id), os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		defer f.Close()
		switch err := filelock.Try(f); {
		case err == nil:
			return true, nil
		case errors.Is(err, filelock.ErrHeld):
			return false, nil
		}
	}
	if err := p.beat(); err != nil {
		return false, err
	}
	own, err := os.Stat(p.path(p.id))
	if err != nil {
		return false, err
	}
	other, err := os.Stat(p.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return own.ModTime().Sub(other.ModTime()) > silent, nil
}

// bury removes what dead processes have left.
func (p *process) bury() error {
	for _, sub := range []string{temporaryFolder, processFolder} { // a process enters before it writes anything, and is looked for after
		files, err := os.ReadDir(filepath.Join(p.work, sub))
		if err != nil {
			return err
		}
		for _, f := range files {
			id, _, _ := strings.Cut(f.Name(), "-")
			if dead, err := p.dead(id); dead && err == nil { // else not a file of ours, or one of a process that lives
				os.Remove(filepath.Join(p.work, sub, f.Name()))
			}
		}
	}
	return nil
}
