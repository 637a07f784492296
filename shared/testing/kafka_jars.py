"""Apache Kafka's jars, fetched once by Maven into the user's cache."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

KAFKA_VERSION: Final = "4.1.0"

_POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>leadmill.testing</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""


class NoKafka(RuntimeError):
    """There is no way to run Apache Kafka on this machine, or it did not start."""


def fetch_jars() -> Path:
    """Return the folder with Kafka's jars; Maven fills it the first time, one process at a time.

    :raises NoKafka: if Maven cannot fetch them; the text holds its own words.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "leadmill"
    libs = cache / f"kafka-{KAFKA_VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if libs.exists():
            return libs
        work = Path(tempfile.mkdtemp(prefix="kafka-", dir=cache))
        try:
            (work / "pom.xml").write_text(_POM)
            goal = ["dependency:copy-dependencies", f"-DoutputDirectory={work / 'libs'}"]
            done = subprocess.run(
                ["mvn", "--batch-mode", "--quiet", "--file", str(work / "pom.xml"), *goal],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise NoKafka(f"Maven could not fetch Apache Kafka {KAFKA_VERSION}:\n{done.stdout[-2000:]}")
            (work / "libs").rename(libs)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return libs
