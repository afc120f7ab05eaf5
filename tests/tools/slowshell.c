/* A shell for roots that have none, whatever it is told: says by /var/runs that it runs, a byte each time, and ends once there is /var/go. */
#include <fcntl.h>
#include <unistd.h>

int main(void)
{
    int runs = open("/var/runs", O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (runs < 0 || write(runs, "x", 1) != 1)
        return 1;
    while (access("/var/go", F_OK) != 0)
        usleep(10000);
    return 0;
}
